# A function that calls itself until the stack ends: the shell dies, its parent goes on.
echo 'f() { f; }; f' > deep
sh deep 2>/dev/null
echo "status $?"
f() { [ $1 -eq 0 ] && echo bottom || f $(($1 - 1)); }
f 200
awk 'function f(n) { return n == 0 ? 0 : 1 + f(n - 1) } BEGIN { print f(1000) }'
