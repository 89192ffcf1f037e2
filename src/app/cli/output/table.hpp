#pragma once
#include "app/cli/output/paint.hpp"

#include <string>
#include <vector>

namespace loom {

struct Column {
    std::string title;
    int rank = 0;          ///< 0 stays whole longest; the highest shrinks first, and goes first
    std::size_t least = 8; ///< columns it shrinks to before it goes
    bool right = false;
    bool below = false; ///< where it cannot stay whole, its words stand below their row, whole
};

struct Cell {
    Cell(std::string words = {}, Colour in = Colour::none) : text(std::move(words)), colour(in) {}
    Cell(const char* words, Colour in = Colour::none) : text(words), colour(in) {}
    std::string text; ///< any bytes: the table makes them one harmless line
    Colour colour;
};

/// Rows under titles, one line each whatever the terminal's width, but for columns that go below.
class Table {
public:
    explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}
    void add(std::vector<Cell> row);
    std::size_t rows() const { return rows_.size(); }
    /// `width` 0: as wide as it needs (no terminal).
    std::string render(std::size_t width, Paint paint) const;

private:
    std::vector<Column> columns_;
    std::vector<std::vector<Cell>> rows_;
};

/// How wide each column becomes, two columns apart; 0: it is left out. Pure.
std::vector<std::size_t> fit_columns(const std::vector<Column>& columns, std::vector<std::size_t> natural,
                                     std::size_t width);

} // namespace loom
