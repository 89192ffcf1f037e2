#include "core/task/library/library.hpp"
#include "core/task/library/script.hpp"

namespace loom {
namespace {

using Kind = ParameterKind;

constexpr std::string_view apache_helpers = R"sh(
ctl() { if has apache2ctl; then apache2ctl "$@"; else apachectl "$@"; fi; }
unit=apache2
[ -d /etc/apache2 ] || unit=httpd
good_configuration() { said=$(ctl configtest 2>&1) || wrong_configuration; }
reload_server() { good_configuration; serve reload "$unit"; }
)sh";

constexpr std::string_view nginx_helpers = R"sh(
unit=nginx
good_configuration() { said=$(nginx -t 2>&1) || wrong_configuration; }
reload_server() { good_configuration; serve reload "$unit"; }
)sh";

/// What was changed counts for a server that runs; one that does not will read it when it starts.
constexpr std::string_view reload_if_changed = R"sh(
after_change() {
    [ "$here" = 1 ] || return 0
    [ "$check" = 1 ] || good_configuration
    [ "$a_reload" = true ] || return 0
    if running "$unit"; then change "reload $unit" reload_server; fi
}
)sh";

constexpr std::string_view apache_module_script = R"sh(
    need a2enmod "the package apache2 brings it"
    [ -e "/etc/apache2/mods-available/$a_name.load" ] || [ "$a_state" = disabled ] || fail "there is no module $a_name"
    on="/etc/apache2/mods-enabled/$a_name.load"
    if [ "$a_state" = enabled ]; then [ -e "$on" ] || change "enable module $a_name" a2enmod -q "$a_name"
    elif [ -e "$on" ]; then change "disable module $a_name" a2dismod -q -f "$a_name"; fi
    after_change
)sh";

constexpr std::string_view apache_site_script = R"sh(
    need a2ensite "the package apache2 brings it"
    if [ -n "$a_template" ]; then hold "/etc/apache2/sites-available/$a_name.conf"
    elif [ "$a_state" = enabled ]; then [ -e "/etc/apache2/sites-available/$a_name.conf" ] || fail "there is no site $a_name (template brings one)"; fi
    on="/etc/apache2/sites-enabled/$a_name.conf"
    if [ "$a_state" = enabled ]; then [ -e "$on" ] || change "enable site $a_name" a2ensite -q "$a_name"
    elif [ -e "$on" ]; then change "disable site $a_name" a2dissite -q "$a_name"; fi
    after_change
)sh";

constexpr std::string_view nginx_site_script = R"sh(
    need nginx "the package nginx brings it"
    [ -d /etc/nginx/sites-available ] || fail "there is no /etc/nginx/sites-available"
    from="/etc/nginx/sites-available/$a_name" on="/etc/nginx/sites-enabled/$a_name"
    if [ -n "$a_template" ]; then hold "$from"
    elif [ "$a_state" = enabled ]; then [ -e "$from" ] || fail "there is no site $a_name (template brings one)"; fi
    if [ "$a_state" = enabled ]; then [ -e "$on" ] || change "enable site $a_name" ln -sf "$from" "$on"
    elif [ -e "$on" ] || [ -L "$on" ]; then change "disable site $a_name" rm -f "$on"; fi
    after_change
)sh";

constexpr std::string_view reload_script = R"sh(
    if [ "$unit" = nginx ]; then need nginx; else has apache2ctl || need apachectl; fi
    [ "$check" = 0 ] || good_configuration
    change "reload $unit" reload_server
)sh";

constexpr std::string_view wrong_helpers = R"sh(
wrong_configuration() { say "$said" >&2; fail "$unit does not take its configuration"; }
)sh";

std::string joined_text(std::string_view server, std::string_view more) {
    return std::string(service_helpers) + std::string(wrong_helpers) + std::string(server) + std::string(more);
}

const std::string& apache_text() {
    static const auto text = joined_text(apache_helpers, reload_if_changed);
    return text;
}

const std::string& nginx_text() {
    static const auto text = joined_text(nginx_helpers, reload_if_changed);
    return text;
}

Result<void> plain_file_rule(const Arguments& arguments) {
    const auto& name = arguments.text("name");
    if (name.find('/') == name.npos && !name.starts_with('.')) return {};
    return Error{Errc::config, "name: expected a name, not a path"};
}

const Parameter site_name{"name", Kind::name, "The site", "", true};
const Parameter on_off{"state", Kind::choice, "Whether it counts", "enabled", false, {"enabled", "disabled"}};
const Parameter site_template{"template", Kind::local, "A local text that is its file, with placeholders; without it the file stays as it is"};
const Parameter reload_flag{"reload", Kind::flag, "Reload a running server when something changed", "true"};

} // namespace

std::vector<LibraryTask> web_tasks() {
    constexpr std::string_view tested = "The configuration is tested before a reload: a wrong one fails the node, and the server goes on with the old one.";
    return {
        {.info = {"loom.apache.module", "A module of Apache is enabled, or is not.", {{"name", Kind::name, "The module", "", true}, on_off, reload_flag},
                  "args: [rewrite]", true, tested},
         .script = apache_module_script, .helpers = apache_text(), .rule = plain_file_rule},
        {.info = {"loom.apache.site", "A site of Apache is enabled, or is not.", {site_name, on_off, site_template, reload_flag},
                  "kwargs: {name: shop, template: /srv/config/shop.conf}", true, tested},
         .script = apache_site_script, .helpers = apache_text(), .content = "template", .rule = plain_file_rule},
        {.info = {"loom.apache.reload", "Apache reads its configuration anew.", {}, "after: [certificates]", true, tested},
         .script = reload_script, .helpers = apache_text()},
        {.info = {"loom.nginx.site", "A site of nginx is enabled, or is not.", {site_name, on_off, site_template, reload_flag},
                  "kwargs: {name: shop, template: /srv/config/shop.conf}", true, tested},
         .script = nginx_site_script, .helpers = nginx_text(), .content = "template", .rule = plain_file_rule},
        {.info = {"loom.nginx.reload", "nginx reads its configuration anew.", {}, "after: [certificates]", true, tested},
         .script = reload_script, .helpers = nginx_text()},
    };
}

} // namespace loom
