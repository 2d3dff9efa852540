#!/bin/sh
# Pushes the log and the branches of repairs to origin: forward only, and never a branch of anybody else.
set -eu
set -- refs/heads/hee/log:refs/heads/hee/log
for ref in $(git for-each-ref --format='%(refname)' refs/heads/hee/fix/); do
  set -- "$@" "$ref:$ref"
done
git push --quiet origin "$@"
