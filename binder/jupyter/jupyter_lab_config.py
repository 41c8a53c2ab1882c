# Settings of JupyterLab in the image; options on its command line come before them.
c.LabApp.default_url = "/lab/tree/notebooks/01_tutorial.ipynb"
c.LabApp.extension_manager = "readonly"  # they belong to the Dockerfile; CVE-2026-42266
c.MultiKernelManager.default_kernel_name = "gonb"  # there is no other
c.KernelSpecManager.ensure_native_kernel = False
