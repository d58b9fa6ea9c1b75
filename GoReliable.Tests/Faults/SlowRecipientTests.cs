using System.Globalization;
using Aspire.Hosting;
using Aspire.Hosting.ApplicationModel;
using GoReliable.Tests.Platform;

namespace GoReliable.Tests.Faults;

/// <summary>A mail server that does not answer for some recipients, and a worker that would wait for it for five minutes.</summary>
public sealed class SlowRecipientTests
{
    [Fact]
    public async Task Forty_e_mails_that_hang_delay_nobody_else()
    {
        var hanging = 0;
        await using var mail = new MailServer
        {
            BeforeRecipient = recipient =>
            {
                if (!recipient.StartsWith("RCPT TO:<slow", StringComparison.OrdinalIgnoreCase))
                    return Task.CompletedTask;
                Interlocked.Increment(ref hanging);
                return new TaskCompletionSource().Task;
            },
        };
        await using var platform = await GoReliablePlatform.StartAsync(configure: builder => builder.CreateResourceBuilder<ProjectResource>("notifications")
            .WithEnvironment("Email__Smtp__Host", "127.0.0.1")
            .WithEnvironment("Email__Smtp__Port", mail.Port.ToString(CultureInfo.InvariantCulture))
            .WithEnvironment("Email__Smtp__Security", "None")
            .WithEnvironment("Delivery__Timeout", "00:05:00"));
        using var customer = platform.Client("slow-recipients");

        for (var i = 0; i < 40; i++)
            await customer.CreateAsync("slow@example.com");
        await Eventually.SeeAsync("deliveries that hang", () => Task.FromResult(Volatile.Read(ref hanging)), count => count == 2);
        await customer.WaitForNotificationsAsync(await customer.CreateAsync("quick@example.com"));
        Assert.Contains(mail.Received, quick => quick.Recipient.Contains("quick@example.com", StringComparison.Ordinal));

        // Not one recipient but the whole mail server: what needs no mail server goes on.
        for (var i = 0; i < 40; i++)
            await customer.CreateAsync($"slow{i}@example.com");
        await Eventually.SeeAsync("as many as may be under way", () => Task.FromResult(Volatile.Read(ref hanging)), count => count == 32);
        await customer.WaitForNotificationsAsync(await customer.CreateAsync());
        Assert.Equal(32, Volatile.Read(ref hanging));
    }
}
