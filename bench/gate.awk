# Judges what was measured against bench/baseline.tsv: awk -f gate.awk baseline.tsv measures.txt
# A measure is a line "MEASURE VALUE". Exit status 1: one has grown, or was not taken.

# With a percentage the value may be as high as that, with a number it stays below that many more.
function has_grown(value, base, allowance)
{
    if (allowance ~ /%$/)
        return value > base * (1 + allowance / 100)
    return value >= base + allowance
}

/^#/ || NF == 0 { next }

FNR == NR {
    n++
    name[n] = $1; base[n] = $2; allowance[n] = $3
    next
}

NF == 2 { now[$1] = $2 }

END {
    failed = n == 0
    for (i = 1; i <= n; i++) {
        if (!(name[i] in now))
            verdict = "FAILED: not measured"
        else if (has_grown(now[name[i]] + 0, base[i] + 0, allowance[i]))
            verdict = "FAILED: was " base[i] ", allowed " allowance[i] " more"
        else
            verdict = "ok, was " base[i]
        failed = failed || verdict ~ /^FAILED/
        printf "gate: %-28s %9s  %s\n", name[i], now[name[i]], verdict
    }
    exit failed
}
