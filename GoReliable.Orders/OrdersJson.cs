using System.Text.Json.Serialization;
using GoReliable.Orders.Ordering;

namespace GoReliable.Orders;

/// <summary>JSON of this service, generated at build time.</summary>
/// <remarks>
/// Strict in what it reads: unknown and duplicate members, missing values and nulls are errors. So a typo in a client's
/// field name is answered with 400, and does not make an order without that field.
/// </remarks>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    AllowDuplicateProperties = false,
    RespectNullableAnnotations = true,
    RespectRequiredConstructorParameters = true,
    MaxDepth = 8
)]
[JsonSerializable(typeof(CreateOrderRequest))]
[JsonSerializable(typeof(Order))]
[JsonSerializable(typeof(OrderItem[]))]
[JsonSerializable(typeof(OrderPage))]
[JsonSerializable(typeof(OrderEvent))]
internal sealed partial class OrdersJson : JsonSerializerContext;
