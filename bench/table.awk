# Joins goals.tsv with what the benchmarks printed: awk -f table.awk goals.tsv measures.txt
# A measure that could not be taken is a line "MEASURE<tab>missing<tab>WHY".

function round_to(value, digits) { return sprintf("%." digits "f", value) }
function with_unit(value, unit) { return unit == "" ? value : value " " unit }
function shown(limit, i) { return limit == "-" ? "-" : rel[i] " " with_unit(limit, unit[i]) }
function times_yardstick(times) { return times > 0 ? round_to(times, 2) " x" : "-" }
function holds(value, limit, i) { return rel[i] == "<=" ? value <= limit : value >= limit }

# Where "must" was set on a faster machine, this one is given as much more as its yardstick takes.
function must_here(i, yardstick)
{
    if (must[i] == "-" || reference[i] == "-" || yardstick <= reference[i])
        return must[i]
    return round_to(must[i] * yardstick / reference[i], digits[i])
}

function verdict(i, value, limit)
{
    if (holds(value, aim[i], i))
        return "aim reached"
    if (limit == "-")
        return "-"
    return holds(value, limit, i) ? "ok" : "MISSED"
}

function print_row(i,    value, limit)
{
    if (!(measure[i] in ours)) {
        printf form, goal[i], what[i], shown(must[i], i), shown(aim[i], i), "not measured", "-",
            measure[i] in why ? why[measure[i]] : "-"
        return
    }
    value = column[i] == "ratio" ? ratio[measure[i]] : ours[measure[i]]
    if (column[i] == "more")
        value -= yard[measure[i]]
    limit = must_here(i, yard[measure[i]])
    value = round_to(value, digits[i])
    printf form, goal[i], what[i], shown(limit, i), shown(aim[i], i), with_unit(value, unit[i]),
        times_yardstick(ratio[measure[i]]), verdict(i, value + 0, limit)
}

BEGIN { FS = "\t"; form = "%-4s %-44s %-11s %-10s %-13s %-10s %s\n" }

FILENAME ~ /goals\.tsv$/ && !/^#/ && NF >= 10 {
    n++
    goal[n] = $1; what[n] = $2; measure[n] = $3; column[n] = $4; rel[n] = $5
    must[n] = $6; aim[n] = $7; unit[n] = $8; reference[n] = $9; digits[n] = $10
}

FILENAME !~ /goals\.tsv$/ && $2 == "missing" {
    why[$1] = $3
    next
}

FILENAME !~ /goals\.tsv$/ {
    split($0, field, " ")
    ours[field[1]] = field[2] + 0; yard[field[1]] = field[3] + 0; ratio[field[1]] = field[4] + 0
}

END {
    printf form, "goal", "what", "must", "aim", "here", "yardstick", "verdict"
    for (i = 1; i <= n; i++)
        print_row(i)
}
