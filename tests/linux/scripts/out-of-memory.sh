# A limit on memory: the program says so and dies, others go on.
(ulimit -v 20000; awk 'BEGIN { s = "x"; while (1) s = s s }' 2>/dev/null)
[ $? -ne 0 ] && echo failed
(ulimit -v 20000; dd if=/dev/zero of=/dev/null bs=100M count=1 2>/dev/null)
[ $? -ne 0 ] && echo failed too
dd if=/dev/zero bs=1M count=8 2>/dev/null | wc -c
echo goes on
