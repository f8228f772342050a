# Control structures at length.
fib() { if [ $1 -lt 2 ]; then echo $1; else echo $(($(fib $(($1 - 1))) + $(fib $(($1 - 2))))); fi; }
fib 8
i=0; until [ $i -ge 3 ]; do i=$((i + 1)); [ $i = 2 ] && continue; echo $i; done
for i in 1 2 3 4; do for j in 1 2 3; do [ $j = 2 ] && continue 2; [ $i = 3 ] && break 2; echo $i$j; done; done
local_test() { local v=inner; echo $v; }; v=outer; local_test; echo $v
i=0; while :; do i=$((i + 1)); [ $i -gt 5000 ] && break; done; echo $i
primes=; n=2
while [ $n -lt 60 ]; do
    p=1; for q in $primes; do [ $((n % q)) = 0 ] && p=0 && break; done
    [ $p = 1 ] && primes="$primes $n"; n=$((n + 1))
done
echo $primes
getopts_test() { while getopts ab:c o; do echo "$o $OPTARG"; done; shift $((OPTIND - 1)); echo "rest $*"; }
getopts_test -a -b value -c x y
eval 'echo $((1+1))'; type cd | head -n 1; command -v sh
