#include "app/cli/output/table.hpp"

#include "app/cli/output/terminal_filter.hpp"
#include "app/cli/output/text_width.hpp"

#include <algorithm>
#include <numeric>
#include <sstream>

namespace loom {
namespace {

constexpr std::size_t gap = 2;

std::size_t total(const std::vector<std::size_t>& widths) {
    std::size_t sum = 0, shown = 0;
    for (const auto width : widths) {
        sum += width;
        shown += width > 0;
    }
    return sum + (shown > 1 ? gap * (shown - 1) : 0);
}

/// The widths after every column gave what it can, the highest rank first.
std::vector<std::size_t> shrunk(const std::vector<Column>& columns, const std::vector<std::size_t>& order,
                                std::vector<std::size_t> widths, std::size_t width) {
    for (const auto i : order) {
        const auto now = total(widths);
        if (now <= width) break;
        const auto least = std::min(widths[i], std::max<std::size_t>(columns[i].least, 1));
        widths[i] -= std::min(now - width, widths[i] - least);
    }
    return widths;
}

/// The cell's words in lines of their own.
std::string indented(const Cell& cell, std::size_t width, Paint paint) {
    const auto indent = width > 4 * gap ? gap : 0;
    std::istringstream lines(wrapped(cell.text, width - indent));
    std::string text;
    for (std::string line; std::getline(lines, line);)
        text += std::string(indent, ' ') + paint(cell.colour, ellipsised(line, width - indent)) + '\n';
    return text;
}

} // namespace

std::vector<std::size_t> fit_columns(const std::vector<Column>& columns, std::vector<std::size_t> natural,
                                     std::size_t width) {
    if (width == 0 || total(natural) <= width) return natural;
    std::vector<std::size_t> order(columns.size());
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return columns[a].rank > columns[b].rank; });
    for (std::size_t dropped = 0; dropped < order.size(); ++dropped) {
        auto widths = shrunk(columns, order, natural, width);
        if (total(widths) <= width) return widths;
        if (dropped + 1 < order.size()) natural[order[dropped]] = 0;
    }
    natural[order.back()] = width;
    return natural;
}

void Table::add(std::vector<Cell> row) {
    for (auto& cell : row) cell.text = for_line(cell.text);
    row.resize(columns_.size());
    rows_.push_back(std::move(row));
}

std::string Table::render(std::size_t width, Paint paint) const {
    std::vector<std::size_t> natural;
    for (std::size_t i = 0; i < columns_.size(); ++i) {
        natural.push_back(display_width(columns_[i].title));
        for (const auto& row : rows_) natural[i] = std::max(natural[i], display_width(row[i].text));
    }
    std::vector<std::size_t> below;
    if (width > 0 && total(natural) > width)
        for (std::size_t i = 0; i < columns_.size(); ++i)
            if (columns_[i].below) {
                below.push_back(i);
                natural[i] = 0;
            }
    const auto widths = fit_columns(columns_, natural, width);
    std::string text;
    const auto line = [&](auto cell_at) {
        std::string padding;
        bool first = true;
        for (std::size_t i = 0; i < columns_.size(); ++i) {
            if (widths[i] == 0) continue;
            if (!first) padding.append(gap, ' ');
            first = false;
            const Cell& cell = cell_at(i);
            const auto shown = ellipsised(cell.text, widths[i]);
            const auto space = widths[i] - std::min(widths[i], display_width(shown));
            if (columns_[i].right) padding.append(space, ' ');
            // Padding is written only before the next word: no line ends in spaces.
            if (!shown.empty()) {
                text += padding + paint(cell.colour, shown);
                padding.clear();
            }
            if (!columns_[i].right) padding.append(space, ' ');
        }
        text += '\n';
    };
    std::vector<Cell> titles;
    for (const auto& column : columns_) titles.emplace_back(column.title, Colour::bold);
    line([&](std::size_t i) -> const Cell& { return titles[i]; });
    for (const auto& row : rows_) {
        line([&](std::size_t i) -> const Cell& { return row[i]; });
        for (const auto i : below)
            if (!row[i].text.empty()) text += indented(row[i], width, paint);
    }
    return text;
}

} // namespace loom
