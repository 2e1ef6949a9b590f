-- Sends the bodies of a file, a line each, in turn, and keeps the ids of what was added.
-- Arguments: the file, the Authorization header or "", the file to write ids to or "".
local requests, at, ids, thread = {}, 0, {}, nil

function setup(made)
  thread = made
end

function init(args)
  local headers = { ["Content-Type"] = "application/json" }
  if args[2] ~= "" then headers["Authorization"] = args[2] end
  for line in io.lines(args[1]) do
    requests[#requests + 1] = wrk.format("POST", nil, headers, line)
  end
  keep, added, file = args[3] ~= "", ids, args[3]
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function response(status, headers, body)
  if keep and status == 200 then
    ids[#ids + 1] = body:match('"id":"([^"]+)"')
  end
end

function done(summary, latency, _)
  local errors = summary.errors
  print("requests " .. summary.requests)
  print("microseconds " .. summary.duration)
  print("errors " .. errors.connect + errors.read + errors.write + errors.status + errors.timeout)
  for _, share in ipairs({ 50, 95, 99 }) do
    print("p" .. share .. " " .. latency:percentile(share))
  end
  if thread:get("keep") then
    local out = assert(io.open(thread:get("file"), "w"))
    out:write(table.concat(thread:get("added"), "\n"))
    out:close()
  end
end
