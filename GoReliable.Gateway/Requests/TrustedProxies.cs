using System.Net;
using GoReliable.ServiceDefaults.Configuration;
using Microsoft.AspNetCore.HttpOverrides;
using IPNetwork = System.Net.IPNetwork;

namespace GoReliable.Gateway.Requests;

/// <summary>
/// Which proxies are trusted to say where a request comes from: the addresses and networks in
/// <c>ForwardedHeaders:KnownProxies</c>, by default none. <c>X-Forwarded-*</c> from anyone else is ignored, and
/// replaced on the way to the services.
/// </summary>
internal static class TrustedProxies
{
    private const string Setting = "ForwardedHeaders:KnownProxies";

    /// <exception cref="InvalidSettingException">An entry is neither an address nor a network.</exception>
    public static void AddTrustedProxies(this WebApplicationBuilder builder)
    {
        // ASPNETCORE_FORWARDEDHEADERS_ENABLED, which Aspire's deployments set, would make ASP.NET trust every sender.
        builder.Configuration["ForwardedHeaders_Enabled"] = "false";

        var proxies = (builder.Configuration.GetSection(Setting).Get<string[]>() ?? []).Select(Network).ToList();
        builder.Services.Configure<ForwardedHeadersOptions>(options =>
        {
            options.ForwardedHeaders =
                proxies.Count > 0
                    ? ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto
                    : ForwardedHeaders.None;
            // No limit: ASP.NET goes back along the chain of proxies for as long as they are known.
            options.ForwardLimit = null;
            options.KnownProxies.Clear();
            options.KnownIPNetworks.Clear();
            foreach (var proxy in proxies)
                options.KnownIPNetworks.Add(proxy);
        });
    }

    private static IPNetwork Network(string text)
    {
        if (IPNetwork.TryParse(text, out var network))
            return network;
        return IPAddress.TryParse(text, out var address)
            ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
            : throw new InvalidSettingException(
                $"{Setting}: '{text}' is neither an IP address nor a network such as 10.0.0.0/8 "
                    + "(of a network, the bits after the prefix are zero)."
            );
    }
}
