/// <summary>How e-mail is sent.</summary>
internal static class Email
{
    /// <summary>
    /// When the application runs here, each e-mail is a file in <c>.data/pickup</c>, as the worker's own settings say.
    /// When it is deployed, e-mail goes to a mail server that parameters name. The worker does not start without one.
    /// </summary>
    public static void AddEmail(
        this IDistributedApplicationBuilder builder,
        IResourceBuilder<ProjectResource> notifications
    )
    {
        if (!builder.ExecutionContext.IsPublishMode)
            return;
        notifications
            .WithEnvironment("Email__From", builder.AddParameter("email-from"))
            .WithEnvironment("Email__Smtp__Host", builder.AddParameter("smtp-host"))
            .WithEnvironment("Email__Smtp__User", builder.AddParameter("smtp-user"))
            .WithEnvironment("Email__Smtp__Password", builder.AddParameter("smtp-password", secret: true));
    }
}
