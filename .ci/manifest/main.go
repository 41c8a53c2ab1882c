// Manifest reads a file of Kubernetes by the types of its own batch/v1, strictly: a field that they do not have, or that is there twice, or a
// value of another type is an error, and so is an indexed Job that cannot run.
//
//	go -C .ci/manifest run . FILE
package main

import (
	"errors"
	"fmt"
	"log"
	"os"

	batch "k8s.io/api/batch/v1"
	core "k8s.io/api/core/v1"
	"sigs.k8s.io/json" // minds the case of letters, as the server does
	"sigs.k8s.io/yaml"
)

func main() {
	log.SetFlags(0)
	text, err := os.ReadFile(os.Args[1])
	if err != nil {
		log.Fatal(err)
	}
	var job batch.Job
	data, err := yaml.YAMLToJSONStrict(text)
	if err != nil {
		log.Fatalf("%s: %v", os.Args[1], err)
	}
	if strict, err := json.UnmarshalStrict(data, &job); err != nil || len(strict) > 0 {
		log.Fatalf("%s: %v", os.Args[1], errors.Join(append(strict, err)...))
	}
	if err := check(&job); err != nil {
		log.Fatalf("%s: %v", os.Args[1], err)
	}
}

// check says what the server would refuse of what the types allow: https://kubernetes.io/docs/concepts/workloads/controllers/job.
func check(job *batch.Job) error {
	pod := job.Spec.Template.Spec
	switch {
	case job.APIVersion != "batch/v1" || job.Kind != "Job":
		return fmt.Errorf("it is a %s of %s, want a Job of batch/v1", job.Kind, job.APIVersion)
	case job.Name == "":
		return fmt.Errorf("it has no name")
	case job.Spec.CompletionMode == nil || *job.Spec.CompletionMode != batch.IndexedCompletion:
		return fmt.Errorf("it is not indexed")
	case job.Spec.Completions == nil || *job.Spec.Completions < 1 || job.Spec.Parallelism == nil || *job.Spec.Parallelism < 1:
		return fmt.Errorf("an indexed job wants completions and parallelism")
	case pod.RestartPolicy != core.RestartPolicyNever:
		return fmt.Errorf("a limit for each index wants the restart policy Never")
	case len(pod.Containers) == 0:
		return fmt.Errorf("it has no container")
	}
	volumes := map[string]bool{}
	for _, v := range pod.Volumes {
		volumes[v.Name] = true
	}
	for _, c := range pod.Containers {
		if c.Name == "" || c.Image == "" {
			return fmt.Errorf("a container has no name or no image")
		}
		for _, m := range c.VolumeMounts {
			if !volumes[m.Name] {
				return fmt.Errorf("there is no volume %s", m.Name)
			}
		}
		for name, request := range c.Resources.Requests {
			if limit, ok := c.Resources.Limits[name]; ok && request.Cmp(limit) > 0 {
				return fmt.Errorf("%s requests more %s than its limit", c.Name, name)
			}
		}
	}
	return nil
}
