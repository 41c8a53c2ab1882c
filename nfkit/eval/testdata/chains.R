# Prints the numbers of chains_test.go and paretosmooth_test.go: Debian's r-cran-posterior 1.4.0 and r-cran-loo 2.5.1.
#
#   Rscript chains.R
u <- function(i, c) { v <- sin(i * 12.9898 + c * 78.233) * 43758.5453; v - floor(v) }
n <- 101 # an odd number
x <- matrix(0, n, 4)
for (c in 1:4) {
  last <- 0
  for (i in 1:n) {
    last <- 0.7 * last + u(i, c) - 0.5
    x[i, c] <- last + (if (c == 4) 0.3 else 0)
  }
}
options(digits = 15)
library(posterior)
cat("rhat", rhat(x), rhat(x[, 1]), "\n")
cat("bulk", ess_bulk(x), ess_bulk(x[, 1]), "\n")
cat("tail", ess_tail(x), ess_tail(x[, 1]), "\n")
library(loo)
for (k in c(0.3, 0.9)) {
  lw <- -k * log(u(1:1000, 5))
  p <- suppressWarnings(psis(lw, r_eff = 1))
  cat("psis", k, p$diagnostics$pareto_k, log(mean(exp(p$log_weights))), max(p$log_weights) - min(p$log_weights), "\n")
}
