# Sourced: gives git the token through its environment, where neither a process list nor a file shows it.
if [ -n "${HEE_TOKEN:-}" ]; then
  GIT_CONFIG_VALUE_0="AUTHORIZATION: basic $(printf 'x-access-token:%s' "$HEE_TOKEN" | base64 -w0)"
  echo "::add-mask::${GIT_CONFIG_VALUE_0#*basic }"
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.${GITHUB_SERVER_URL:-https://github.com}/.extraheader" GIT_CONFIG_VALUE_0
  unset HEE_TOKEN
fi
