-- wrk -s put.lua URL -- PATH KEYS: puts values of 300 bytes under KEYS keys in turn.
local messages, at = {}, 0
function init(args)
  for i = 1, tonumber(args[2]) do
    messages[i] = wrk.format("PUT", args[1] .. i, wrk.headers, string.rep("x", 300))
  end
end
function request()
  at = at % #messages + 1
  return messages[at]
end
