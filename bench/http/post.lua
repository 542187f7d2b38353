-- wrk -s post.lua URL -- PATH COUNT: posts documents of 300 bytes, COUNT in one request.
local path, count, body
function init(args)
  path = args[1]
  count = tonumber(args[2])
  local one = '{"name":"a","n":%d,"city":"Berlin","tags":["x","y","z"],"address":{"street":"12 Main St","zip":"10115"},"pad":"' ..
    string.rep("x", 184) .. '"}'
  local documents = {}
  for i = 1, count do documents[i] = string.format(one, i) end
  body = count == 1 and documents[1] or "[" .. table.concat(documents, ",") .. "]"
end
function request()
  return wrk.format("POST", path, wrk.headers, body)
end
