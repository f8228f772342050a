# Patterns: files, classes, hidden ones, no match, case.
mkdir d
touch a1 a2 b1 .hidden d/x1 d/x2 'with space'
echo a*
echo [ab]1
echo ?1
echo */x*
echo .h*
echo none*
for f in with*; do echo "[$f]"; done
set -f; echo a*; set +f
for w in abc xyz 123 ''; do
    case $w in a*) echo a ;; [0-9]*) echo digit ;; '') echo empty ;; *) echo other ;; esac
done
