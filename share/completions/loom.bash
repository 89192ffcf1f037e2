# Completes the words of loom in Bash: commands, flags, jobs, nodes, groups, labels and runs. Loom itself says what fits;
# this only passes it on. From `loom completion bash`.
_loom() {
    local -a reply
    COMPREPLY=()
    mapfile -t reply < <("${1/#\~/$HOME}" complete bash -- "${COMP_LINE:0:COMP_POINT}" "$COMP_WORDBREAKS" 2>/dev/null)
    case ${reply[0]-} in
    files)
        compopt -o filenames +o nospace
        mapfile -t COMPREPLY < <(compgen -f -- "$2")
        ;;
    folders)
        compopt -o filenames +o nospace
        mapfile -t COMPREPLY < <(compgen -d -- "$2")
        ;;
    words) COMPREPLY=("${reply[@]:1}") ;;
    esac
}
complete -o nospace -F _loom loom
