-- wrk -s post.lua URL -- PATH COUNT: posts documents of 300 bytes, COUNT in one request.
local message
function init(args)
  local path, count = args[1], tonumber(args[2])
  local one = '{"name":"a","n":%d,"city":"Berlin","tags":["x","y","z"],"address":{"street":"12 Main St","zip":"10115"},"pad":"' ..
    string.rep("x", 184) .. '"}'
  local documents = {}
  for i = 1, count do documents[i] = string.format(one, i) end
  local body = count == 1 and documents[1] or "[" .. table.concat(documents, ",") .. "]"
  -- Made once: the client shares the cores with the server.
  message = wrk.format("POST", path, wrk.headers, body)
end
function request()
  return message
end
