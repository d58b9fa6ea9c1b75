using System.Security.Cryptography;

/// <summary>Who issues the tokens that the services accept.</summary>
internal static class TokenIssuer
{
    // What `dotnet user-jwts` signs with, and where ASP.NET looks for it.
    private const string SigningKey = "Authentication:Schemes:Bearer:SigningKeys:0";
    private const string Issuer = "dotnet-user-jwts";
    private const int KeyBytes = 32;

    /// <summary>
    /// When the application runs here, the issuer is <c>dotnet user-jwts</c> on this machine. Its key is in the
    /// AppHost's user secrets, and is made if there is none yet. When the application is deployed, the issuer is an
    /// identity provider, whose URL is a parameter.
    /// </summary>
    public static void AddTokenIssuer(
        this IDistributedApplicationBuilder builder,
        params IResourceBuilder<ProjectResource>[] services
    )
    {
        if (builder.ExecutionContext.IsPublishMode)
        {
            var authority = builder.AddParameter("token-authority");
            foreach (var service in services)
                service.WithEnvironment("Authentication__Schemes__Bearer__Authority", authority);
            return;
        }

        // All four must be set, or user-jwts makes a key of its own.
        var secrets = builder.UserSecretsManager;
        secrets.GetOrSetSecret(builder.Configuration, $"{SigningKey}:Id", () =>
            RandomNumberGenerator.GetHexString(8, lowercase: true)
        );
        secrets.GetOrSetSecret(builder.Configuration, $"{SigningKey}:Issuer", () => Issuer);
        secrets.GetOrSetSecret(builder.Configuration, $"{SigningKey}:Length", () => $"{KeyBytes}");
        secrets.GetOrSetSecret(builder.Configuration, $"{SigningKey}:Value", () =>
            Convert.ToBase64String(RandomNumberGenerator.GetBytes(KeyBytes))
        );

        var key = builder.AddParameterFromConfiguration("token-signing-key", $"{SigningKey}:Value", secret: true);
        foreach (var service in services)
        {
            service
                .WithEnvironment("Authentication__Schemes__Bearer__ValidIssuer", Issuer)
                .WithEnvironment("Authentication__Schemes__Bearer__SigningKeys__0__Issuer", Issuer)
                .WithEnvironment("Authentication__Schemes__Bearer__SigningKeys__0__Value", key);
        }
    }
}
