using GoReliable.ServiceDefaults.Configuration;
using Microsoft.Extensions.Options;

namespace GoReliable.Notifications.Delivery;

internal static class DeliveryExtensions
{
    public static WebApplicationBuilder AddDelivery(this WebApplicationBuilder builder)
    {
        builder.Services.AddSettings<EmailOptions>(EmailOptions.Section);
        builder.Services.AddSettings<DeliveryOptions>(DeliveryOptions.Section);

        builder.Services.AddSingleton<Channels>();
        builder.Services.AddSingleton<IMailTransport>(services =>
            string.IsNullOrWhiteSpace(services.GetRequiredService<IOptions<EmailOptions>>().Value.Smtp.Host)
                ? ActivatorUtilities.CreateInstance<PickupFolder>(services)
                : ActivatorUtilities.CreateInstance<SmtpTransport>(services)
        );
        return builder;
    }
}
