# Completes the words of loom in Fish: commands, flags, jobs, nodes, groups, labels and runs. Loom itself says what fits;
# this only passes it on. From `loom completion fish`.
function __loom_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -l reply ($words[1] complete fish -- $words[2..-1] "$current" 2>/dev/null)
    switch "$reply[1]"
        case files
            __fish_complete_path "$current"
        case folders
            __fish_complete_directories "$current"
        case words
            printf '%s\n' $reply[2..-1]
    end
end
complete -c loom -f -a '(__loom_complete)'
