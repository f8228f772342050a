# Traps: on exit, on signals, ignored, reset, in subshells.
trap 'echo exit trap, status $?' EXIT
trap 'echo got USR1' USR1
kill -USR1 $$
trap '' USR1
kill -USR1 $$
echo ignored
(trap 'echo subshell exit' EXIT; echo in subshell)
trap - USR1
(sleep 0; kill -USR1 $(exec sh -c 'echo $PPID'))
echo "status $?"
trap 'echo got TERM; exit 9' TERM
kill -TERM $$
echo not reached
