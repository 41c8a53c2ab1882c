-- One row, for wrk.
wrk.method = "POST"
wrk.body = '{"rows": [[1, 0, -1, 0.5, 1, 0, -1, 0.5]]}'
wrk.headers["Content-Type"] = "application/json"
