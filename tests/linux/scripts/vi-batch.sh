# vi fed with keys.
printf 'one\ntwo\nthree\n' > f
printf 'ddOnew line\033:2\rAend\033:s/thr/THR/\r:wq\r' | vi f > /dev/null 2>&1
cat f
printf ':%%s/e/E/g\r:x\r' | vi f > /dev/null 2>&1
cat f
printf '3Gyypkdd:wq\r' | vi f > /dev/null 2>&1
cat f
printf 'ixyz\033:q!\r' | vi f > /dev/null 2>&1
cat f
