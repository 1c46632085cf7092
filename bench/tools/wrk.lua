-- What the canned vault sends, for wrk.
wrk.method = "POST"
wrk.body = string.rep("b", 400)
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer " .. string.rep("t", 1000)
