#pragma once
#include "app/http/plain_route.hpp"

#include <boost/json/object.hpp>

namespace loom {

/// The API as an OpenAPI 3.1 document, made from the endpoint table and the described requests and replies. Pure.
boost::json::object openapi_document();

/// `GET /api/v1/openapi.json`, for everybody who may read.
PlainRoute openapi_route();

} // namespace loom
