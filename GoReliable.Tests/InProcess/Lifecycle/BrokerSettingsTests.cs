using System.Net.Security;
using System.Threading.Channels;
using GoReliable.Messaging;
using GoReliable.Notifications.Retrying;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace GoReliable.Tests.InProcess.Lifecycle;

public sealed class BrokerSettingsTests
{
    // The client library lets any name pass for URLs with amqps.
    [Fact]
    public async Task A_certificate_must_have_the_name_of_the_broker()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:messaging", "amqps://u:p@broker.example")]);
        builder.AddBroker("messaging");
        await using var services = builder.Services.BuildServiceProvider();

        var tls = services.GetRequiredService<Broker>().Server.Ssl;

        Assert.True(tls.Enabled);
        Assert.Equal("broker.example", tls.ServerName);
        Assert.Equal(SslPolicyErrors.None, tls.AcceptablePolicyErrors);
    }

    // What the client library says when a connection is being closed.
    [Fact]
    public void A_connection_that_closes_is_not_blamed_on_the_message() =>
        Assert.True(Publisher.IsBrokerFailure(new ChannelClosedException(), CancellationToken.None));
}
