#include "app/cli/output/heat_map.hpp"

#include "app/cli/output/times.hpp"
#include "core/base/counted.hpp"

#include <algorithm>
#include <cmath>
#include <iterator>

namespace loom {
namespace {

using namespace std::chrono;

constexpr const char* heat_map_style = R"(<style>
text{font:12px system-ui,sans-serif;fill:#57606a}
.title{font-size:16px;font-weight:600;fill:#1f2328}
.back{fill:#ffffff}
.c0{fill:#eff2f5}
.c1{fill:#cfe3f5}
.c2{fill:#9fc9e8}
.c3{fill:#64a6d6}
.c4{fill:#3480bf}
.c5{fill:#155a9c}
.c6{fill:#08306b}
@media (prefers-color-scheme:dark){
text{fill:#9198a1}
.title{fill:#f0f6fc}
.back{fill:#0d1117}
.c0{fill:#1c222b}
.c1{fill:#103256}
.c2{fill:#154f86}
.c3{fill:#2472b4}
.c4{fill:#4a98d9}
.c5{fill:#86bdee}
.c6{fill:#d3e9ff}
}
</style>
)";

std::string date_of(local_days day) {
    const year_month_day date(day);
    return fmt::format("{:04}-{:02}-{:02}", int(date.year()), unsigned(date.month()), unsigned(date.day()));
}

std::string month_of(local_days day) {
    constexpr const char* names[] = {"", "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    return names[unsigned(year_month_day(day).month())];
}

/// Draws one picture; the members are what its parts share.
class HeatMap {
public:
    explicit HeatMap(const Forecast& forecast)
        : forecast_(forecast), days_(forecast.hours().size() / 24), days_each_((days_ + columns_most - 1) / columns_most),
          columns_((days_ + days_each_ - 1) / days_each_),
          width_(std::clamp(std::floor(grid_width_most / static_cast<double>(columns_)), 2.0, 48.0)),
          image_width_(std::max(image_width_least, left + width_ * static_cast<double>(columns_) + 24)) {
        for (std::size_t column = 0; column < columns_; ++column)
            for (std::size_t hour = 0; hour < 24; ++hour) most_ = std::max(most_, node_runs(column, hour));
        // By squares, so that a quiet hour and a busy one both stand out beside the busiest.
        for (int step = 1; step <= steps; ++step) {
            const auto bound = std::ceil(most_ * step * step / (steps * steps));
            if (bound > 0 && (bounds_.empty() || bound > bounds_.back())) bounds_.push_back(bound);
        }
    }

    std::string draw() {
        const double height = top + 24 * row_height + 92;
        put(R"(<svg xmlns="http://www.w3.org/2000/svg" width="{0:.0f}" height="{1:.0f}" viewBox="0 0 {0:.0f} {1:.0f}" role="img">)", image_width_,
            height);
        const auto title = fmt::format("Predicted load from {} to {} in {}", date_of(forecast_.first_day()),
                                       date_of(forecast_.first_day() + days(days_ - 1)), forecast_.zone()->name());
        put("\n<title>{}</title>\n", title);
        text_ += heat_map_style;
        put(R"(<rect class="back" width="{:.0f}" height="{:.0f}"/>)", image_width_, height);
        put(R"(<text class="title" x="16" y="30">{}</text>)", title);
        put("<text x=\"16\" y=\"50\">{}</text>\n", counted(forecast_.total().runs, "run") + ", " + counted(forecast_.node_runs(), "node-run"));
        draw_hours();
        draw_columns();
        draw_legend();
        return text_ + "</svg>\n";
    }

private:
    static constexpr std::size_t columns_most = 400; ///< a year of days; more would be thinner than a pixel
    static constexpr int steps = 6;                  ///< of colour, besides none
    static constexpr double left = 56, top = 76, grid_width_most = 880, row_height = 16, image_width_least = 600;
    static constexpr double letter = 6.6; ///< about as wide as one is

    template <class... Args>
    void put(fmt::format_string<Args...> format, Args&&... args) {
        fmt::format_to(std::back_inserter(text_), format, std::forward<Args>(args)...);
    }

    struct Span {
        std::size_t first, count; ///< days
    };
    Span span_of(std::size_t column) const {
        const auto first = column * days_each_;
        return {first, std::min(days_each_, days_ - first)};
    }
    Forecast::Hour sum_of(std::size_t column, std::size_t hour) const {
        Forecast::Hour sum;
        const auto span = span_of(column);
        for (std::size_t day = span.first; day < span.first + span.count; ++day) {
            sum.runs += forecast_.hours()[day * 24 + hour].runs;
            sum.node_runs += forecast_.hours()[day * 24 + hour].node_runs;
        }
        return sum;
    }
    /// Of one day, on average.
    double node_runs(std::size_t column, std::size_t hour) const {
        return static_cast<double>(sum_of(column, hour).node_runs) / static_cast<double>(span_of(column).count);
    }
    std::size_t step_of(double value) const {
        return static_cast<std::size_t>(std::ranges::lower_bound(bounds_, value) - bounds_.begin()) + 1;
    }
    /// Fewer steps keep the deepest colours.
    std::size_t colour_of(std::size_t step) const { return step + steps - bounds_.size(); }
    double x_of(std::size_t column) const { return left + width_ * static_cast<double>(column); }

    void draw_hours() {
        put(R"(<rect class="c0" x="{:.1f}" y="{:.0f}" width="{:.1f}" height="{:.0f}"/>)", left, top, width_ * static_cast<double>(columns_),
            24 * row_height);
        for (int hour = 0; hour < 24; hour += 3)
            put(R"(<text x="{:.0f}" y="{:.0f}" text-anchor="end">{:02}:00</text>)", left - 8, top + hour * row_height + 12, hour);
        text_ += '\n';
    }

    void draw_columns() {
        const double gap = width_ >= 6 ? 1 : 0;
        double free_from = 0;
        for (std::size_t column = 0; column < columns_; ++column) {
            const auto span = span_of(column);
            const auto day = forecast_.first_day() + days(span.first);
            const auto label = label_of(column, day);
            const double label_width = letter * static_cast<double>(label.size());
            if (!label.empty() && x_of(column) >= free_from && x_of(column) + label_width <= image_width_) {
                put(R"(<text x="{:.1f}" y="{:.0f}">{}</text>)", x_of(column), top + 24 * row_height + 18, label);
                free_from = x_of(column) + label_width + letter;
            }
            const auto when = days_each_ == 1 ? weekday_name(weekday(day)) + " " + date_of(day)
                                              : date_of(day) + " to " + date_of(day + days(span.count - 1));
            for (std::size_t hour = 0; hour < 24; ++hour) {
                const auto sum = sum_of(column, hour);
                if (sum.runs == 0) continue;
                put(R"(<rect class="c{}" x="{:.1f}" y="{:.0f}" width="{:.1f}" height="{:.0f}"><title>{} {:02}:00: {}, {}</title></rect>)",
                    sum.node_runs == 0 ? 0 : colour_of(step_of(node_runs(column, hour))), x_of(column),
                    top + static_cast<double>(hour) * row_height, width_ - gap, row_height - gap, when, hour,
                    counted(sum.runs, "run"), counted(sum.node_runs, "node-run"));
            }
            text_ += '\n';
        }
    }

    std::string label_of(std::size_t column, local_days day) const {
        const year_month_day date(day);
        const bool month_begins = unsigned(date.day()) <= days_each_, year_begins = month_begins && unsigned(date.month()) == 1;
        if (columns_ <= 16) return fmt::format("{} {}", weekday_name(weekday(day)), unsigned(date.day()));
        if (days_ <= 70) return column == 0 || weekday(day) == Monday ? fmt::format("{} {}", unsigned(date.day()), month_of(day)) : "";
        if (days_ <= 800) return month_begins ? month_of(day) + (year_begins ? fmt::format(" {}", int(date.year())) : "") : "";
        return year_begins ? fmt::format("{}", int(date.year())) : "";
    }

    void draw_legend() {
        const double y = top + 24 * row_height + 48;
        put(R"(<text x="16" y="{:.0f}">node-runs that start in an hour{}</text>)", y, days_each_ == 1 ? "" : ", on average");
        double x = 16;
        const auto step = [&](std::size_t colour, const std::string& words) {
            put(R"(<rect class="c{}" x="{:.0f}" y="{:.0f}" width="14" height="14"/><text x="{:.0f}" y="{:.0f}">{}</text>)", colour, x, y + 12,
                x + 20, y + 24, words);
            x += 40 + letter * static_cast<double>(words.size());
        };
        step(0, "0");
        double from = 1;
        for (std::size_t i = 0; i < bounds_.size(); ++i) {
            step(colour_of(i + 1), from == bounds_[i] ? fmt::format("{:.0f}", from) : fmt::format("{:.0f}-{:.0f}", from, bounds_[i]));
            from = bounds_[i] + 1;
        }
        text_ += '\n';
    }

    const Forecast& forecast_;
    std::size_t days_, days_each_, columns_;
    double width_, image_width_;
    double most_ = 0;
    std::vector<double> bounds_; ///< the most that each step stands for
    std::string text_;
};

} // namespace

std::string heat_map(const Forecast& forecast) { return HeatMap(forecast).draw(); }

} // namespace loom
