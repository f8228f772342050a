# The least: words, variables, an exit status.
greeting=hello
echo "$greeting, world" one   two
echo to-errors >&2
exit 3
