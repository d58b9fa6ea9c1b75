/// <summary>
/// The process that takes the place of a server's resource. It has the server's name and the server's own annotations,
/// so its endpoints, health checks and waits are those that Aspire's integration set up.
/// </summary>
internal sealed class ServerProcess(ContainerResource server, string script, string directory)
    : ExecutableResource(server.Name, script, directory),
        IResourceWithConnectionString
{
    public override ResourceAnnotationCollection Annotations => server.Annotations;

    public ReferenceExpression ConnectionStringExpression =>
        ((IResourceWithConnectionString)server).ConnectionStringExpression;

    IEnumerable<KeyValuePair<string, ReferenceExpression>> IResourceWithConnectionString.GetConnectionProperties() =>
        ((IResourceWithConnectionString)server).GetConnectionProperties();
}
