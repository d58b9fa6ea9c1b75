using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Microsoft.AspNetCore.Mvc;

namespace GoReliable.ServiceDefaults.Management;

/// <summary>How an operator's command line talks to the management port of a service.</summary>
public static class OperatorClient
{
    /// <summary>The form of JSON that it writes and reads.</summary>
    public static JsonSerializerOptions Json { get; } = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    /// <summary>A client of one service.</summary>
    /// <param name="url">The address of the management port.</param>
    /// <param name="token">The operator's token, if there is one.</param>
    /// <param name="timeout">For each answer.</param>
    public static HttpClient Create(Uri url, string? token, TimeSpan timeout)
    {
        var client = new HttpClient { BaseAddress = url, Timeout = timeout };
        if (token is { Length: > 0 })
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return client;
    }

    /// <summary>Reads an address that an operator typed.</summary>
    /// <exception cref="FormatException">It is not an http or https URL.</exception>
    public static Uri Address(string text, int port) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address) && address.Scheme is ("http" or "https")
            ? address
            : throw new FormatException($"'{text}' is not an address such as http://localhost:{port}.");

    /// <summary>Reads an answer, unless it is an error.</summary>
    /// <exception cref="HttpRequestException">
    /// It is an error, or not JSON; the message says which, in words.
    /// </exception>
    public static async Task<T> ReadAsync<T>(HttpResponseMessage response)
    {
        using (response)
        {
            if (response.StatusCode == HttpStatusCode.NoContent)
                return default!;
            var url = response.RequestMessage!.RequestUri!.GetLeftPart(UriPartial.Authority);
            var answered = $"{url} answered {(int)response.StatusCode}";
            if (response.IsSuccessStatusCode)
            {
                try
                {
                    return (await response.Content.ReadFromJsonAsync<T>(Json))!;
                }
                catch (Exception exception) when (IsNotJson(exception))
                {
                    throw new HttpRequestException(
                        $"{answered}, but no JSON. Is it the service's management port?",
                        exception,
                        response.StatusCode
                    );
                }
            }
            throw new HttpRequestException(
                response.StatusCode switch
                {
                    HttpStatusCode.Unauthorized =>
                        $"{url} refused the token: give a valid one (--token, or GORELIABLE_TOKEN).",
                    HttpStatusCode.Forbidden => "The token lacks the scope notifications:operate.",
                    _ => await DetailAsync(response) ?? $"{answered}. Is it the service's management port?",
                },
                inner: null,
                response.StatusCode
            );
        }
    }

    private static async Task<string?> DetailAsync(HttpResponseMessage response)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/problem+json")
            return null;
        try
        {
            return (await response.Content.ReadFromJsonAsync<ProblemDetails>(Json))?.Detail;
        }
        catch (Exception exception) when (IsNotJson(exception))
        {
            return null;
        }
    }

    // The last is an unknown charset.
    private static bool IsNotJson(Exception exception) =>
        exception is JsonException or NotSupportedException or InvalidOperationException;
}
