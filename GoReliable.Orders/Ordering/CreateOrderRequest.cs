using System.Security.Cryptography;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace GoReliable.Orders.Ordering;

/// <summary>What a client sends to create an order.</summary>
/// <param name="Currency">ISO 4217 code, upper case.</param>
/// <param name="Items">1–100 lines.</param>
/// <param name="ContactEmail">Where to send notifications; without it, they can only be read through the API.</param>
internal sealed partial record CreateOrderRequest(string Currency, OrderItem[] Items, string? ContactEmail = null)
{
    private const int MaxItems = 100;
    private const int MaxQuantity = 1000;
    private const decimal MaxUnitPrice = 1_000_000m;

    /// <summary>Checks the limits, and gives every price exactly the decimals of its currency.</summary>
    /// <param name="errors">What is wrong, by JSON path; null when nothing is.</param>
    /// <returns>The request in normal form: equal orders have equal normal forms.</returns>
    public CreateOrderRequest Normalize(out Dictionary<string, string[]>? errors)
    {
        Dictionary<string, string[]>? found = null;

        var decimals = Ordering.Currency.DecimalsOf(Currency);
        if (decimals is null)
            Error("currency", "Must be an ISO 4217 currency code in upper case.");
        if (ContactEmail is not null && (ContactEmail.Length > 254 || !Email().IsMatch(ContactEmail)))
            Error("contactEmail", "Must be an e-mail address of at most 254 characters.");
        if (Items.Length is < 1 or > MaxItems)
            Error("items", $"Must have 1 to {MaxItems} items.");

        var items = new OrderItem[Items.Length];
        for (var i = 0; i < Items.Length && i < MaxItems; i++)
        {
            var item = Items[i];
            if (item is null)
            {
                Error($"items[{i}]", "Must not be null.");
                continue;
            }
            if (!Sku().IsMatch(item.Sku))
                Error(
                    $"items[{i}].sku",
                    "Must be 1 to 64 letters, digits, '.', '_' or '-', beginning with a letter or digit."
                );
            if (item.Quantity is < 1 or > MaxQuantity)
                Error($"items[{i}].quantity", $"Must be from 1 to {MaxQuantity}.");
            if (item.UnitPrice is <= 0 or > MaxUnitPrice)
                Error($"items[{i}].unitPrice", $"Must be above 0 and at most {MaxUnitPrice:F0}.");
            else if (decimals is { } allowed && decimal.Round(item.UnitPrice, allowed) != item.UnitPrice)
                Error($"items[{i}].unitPrice", $"{Currency} has {allowed} decimals.");
            items[i] = item with { UnitPrice = WithDecimals(item.UnitPrice, decimals ?? 0) };
        }

        errors = found;
        return this with { Items = items };

        void Error(string path, string message) => (found ??= []).TryAdd(path, [message]);
    }

    /// <summary>
    /// SHA-256 that tells whether a key is used again for the same order. Call it on the normal form.
    /// </summary>
    public byte[] Hash() =>
        SHA256.HashData(JsonSerializer.SerializeToUtf8Bytes(this, OrdersJson.Default.CreateOrderRequest));

    // Adding zero with that scale widens 1.5 to 1.50; rounding narrows 1.500 to 1.50.
    private static decimal WithDecimals(decimal value, int decimals) =>
        decimal.Round(value, decimals) + new decimal(0, 0, 0, false, (byte)decimals);

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\z", RegexOptions.CultureInvariant)]
    private static partial Regex Sku();

    // No "=?": it begins an encoded word (https://www.rfc-editor.org/rfc/rfc2047#section-2), which mail readers decode
    // in addresses as well, into another address. Otherwise a "valid e-mail address"
    // (https://html.spec.whatwg.org/multipage/input.html#valid-e-mail-address), but with dots in the local part only
    // where mail servers accept them: https://www.rfc-editor.org/rfc/rfc5321#section-4.1.2
    [GeneratedRegex(
        @"^(?!.*=\?)(?=[^@]{1,64}@)[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
            + @"@[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?)*\z",
        RegexOptions.CultureInvariant
    )]
    private static partial Regex Email();
}
