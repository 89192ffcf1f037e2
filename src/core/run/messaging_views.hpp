#pragma once
#include "core/run/views.hpp"

namespace loom {

struct HookView {
    std::string name, job, verify, path, parameters, filter;
    std::string message; ///< why it cannot start its job; empty: it can
    std::string source;
};
BOOST_DESCRIBE_STRUCT(HookView, (), (name, job, verify, path, parameters, filter, message, source))

struct HookList {
    std::vector<HookView> items;
};
BOOST_DESCRIBE_STRUCT(HookList, (), (items))

/// A delivery as a sender would send it; its signature is not looked at.
struct TestHook {
    std::string name;
    std::vector<std::string> headers; ///< `NAME: VALUE`
    std::string body_base64;
};
BOOST_DESCRIBE_STRUCT(TestHook, (), (name, headers, body_base64))

/// What a delivery would do.
struct HookTestView {
    std::string hook, job, verify;
    bool starts = false;
    bool left_out = false;     ///< by the filter; else, where nothing starts, it is refused
    std::string message;       ///< why nothing starts
    boost::json::object params; ///< what the job's task gets
    boost::json::object work;   ///< that task with it: `task`, `args`, `kwargs`, `env`
};
BOOST_DESCRIBE_STRUCT(HookTestView, (), (hook, job, verify, starts, left_out, message, params, work))

struct NotifyRuleView {
    std::string name, kind, on, jobs;
    std::string to; ///< without what may be a secret of a URL
    std::uint64_t waiting = 0, dead = 0;
    std::string error; ///< of the newest message that has one
    std::string source;
};
BOOST_DESCRIBE_STRUCT(NotifyRuleView, (), (name, kind, on, jobs, to, waiting, dead, error, source))

struct NotifyRuleList {
    std::vector<NotifyRuleView> items;
};
BOOST_DESCRIBE_STRUCT(NotifyRuleList, (), (items))

/// One message of a run that does not exist, now and once.
struct TestNotify {
    std::string rule;
    std::string event = "first_failure";
    std::string job; ///< empty: one that is called `test`
};
BOOST_DESCRIBE_STRUCT(TestNotify, (), (rule, event, job))

/// What was sent, and where to.
struct NotifyTestView {
    std::string rule, kind, to, title;
};
BOOST_DESCRIBE_STRUCT(NotifyTestView, (), (rule, kind, to, title))

} // namespace loom
