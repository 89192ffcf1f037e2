#include "core/task/library/library.hpp"

namespace loom {
namespace {

using Kind = ParameterKind;

/// `wanted` prints the commit that the version names at the other end, or nothing: a branch, a tag (what it points to), or a commit.
constexpr std::string_view git_helpers = R"sh(
export GIT_TERMINAL_PROMPT=0 GIT_SSH_COMMAND="${GIT_SSH_COMMAND:-ssh -o BatchMode=yes}"
at() { git -C "$a_path" "$@"; }
wanted() {
    # What looks like a commit may still be a name.
    names=$(git ls-remote "$a_repository" 2>&1) || fail "cannot read $a_repository: $(say "$names" | tail -n 1)"
    for ref in "refs/heads/$a_version" "refs/tags/$a_version^{}" "refs/tags/$a_version" "$a_version"; do
        commit=$(say "$names" | ref=$ref awk '$2 == ENVIRON["ref"] { print $1; exit }')
        if [ -n "$commit" ]; then say "$commit"; return 0; fi
    done
    case $a_version in *[!0-9a-f]* | "") return 0 ;; esac
    if [ "${#a_version}" = 40 ]; then say "$a_version"; fi
}
fetch_commit() {
    at cat-file -e "$want^{commit}" 2>/dev/null || at fetch -q --tags --force origin '+refs/heads/*:refs/remotes/origin/*' || return 1
    at cat-file -e "$want^{commit}" 2>/dev/null || at fetch -q origin "$want"
}
check_out() { fetch_commit && at checkout -q --detach "$want"; }
clone() { git clone -q --no-checkout "$a_repository" "$a_path" && check_out; }
set_origin() { at remote set-url origin "$a_repository" 2>/dev/null || at remote add origin "$a_repository"; }
clean() { at reset -q --hard && at clean -q -f -d; }
)sh";

constexpr std::string_view git_script = R"sh(
    need git "the package git brings it"
    want=$(wanted) || exit 1
    [ -n "$want" ] || fail "$a_repository has no $a_version: expected a branch, a tag, or a commit of 40 digits"
    short=$(printf '%.10s' "$want")
    if [ ! -e "$a_path" ] || { [ -d "$a_path" ] && [ -z "$(ls -A "$a_path")" ]; }; then
        change "clone $a_repository to $a_path at $short" clone
        return 0
    fi
    [ -e "$a_path/.git" ] || fail "$a_path is there, and no clone"
    origin=$(at remote get-url origin 2>/dev/null)
    [ "$origin" = "$a_repository" ] || change "make $a_repository its origin" set_origin
    have=$(at rev-parse -q --verify 'HEAD^{commit}')
    dirty=$(at status --porcelain) || fail "git does not read $a_path"
    if [ -n "$dirty" ]; then
        # Files that git does not know may stay, unless they are in the way.
        known=$(say "$dirty" | grep -v '^??')
        if [ "$a_force" = true ]; then change "throw away changes in $a_path" clean
        elif [ -n "$known" ]; then fail "$a_path has changes of its own (force: true throws them away): $(say "$known" | head -n 1)"; fi
    fi
    [ "$have" = "$want" ] || change "check out $short in $a_path" check_out
)sh";

Result<void> git_rule(const Arguments& arguments) {
    if (!arguments.text("repository").starts_with('-')) return {};
    return Error{Errc::config, "repository: expected an address, not an option"};
}

} // namespace

std::vector<LibraryTask> checkout_tasks() {
    return {
        {.info = {"loom.git.checkout", "A folder is a clone of a repository, at a version.",
                  {{"repository", Kind::text, "Its address", "", true},
                   {"path", Kind::path, "The folder; its parents are made", "", true},
                   {"version", Kind::text, "A branch, a tag, or a commit of 40 digits", "HEAD"},
                   {"force", Kind::flag, "Throw away changes, and files that git does not know", "false"}},
                  "kwargs: {repository: \"https://example.org/app.git\", path: /srv/app, version: v1.2}", true,
                  "The node asks the repository with keys of its own. The folder has no branch checked out but the commit itself (a detached HEAD)."},
         .script = git_script, .helpers = git_helpers, .rule = git_rule},
    };
}

} // namespace loom
