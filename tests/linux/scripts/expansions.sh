# Parameter expansion, arithmetic, quoting, splitting.
a=hello.tar.gz
echo ${a%.*} ${a%%.*} ${a#*.} ${a##*.} ${#a}
unset u
echo ${u-default} ${u:-default} ${u+set} ${u:=assigned} $u
e=
echo "[${e-x}] [${e:-x}] [${e+x}] [${e:+x}]"
(: ${missing?is missing}) 2>/dev/null; echo $?
set -- "a b" c "" d
echo $# "$@"
for w in "$@"; do echo "[$w]"; done
for w in $*; do echo "<$w>"; done
IFS=:; set -- $(echo 1:2:3); echo $# $2
IFS=' '
echo $((7 / 2)) $((7 % 3)) $((2 * (3 + 4))) $((1 << 10)) $((5 > 3)) $((~0))
echo "$(printf '%05d|%-5s|%x|%c' 42 ab 255 z)"
echo 'single $a' "double $a" \$a
