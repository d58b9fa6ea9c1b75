using System.Globalization;
using System.Net;

namespace GoReliable.Tests.OnPlatform.Processes;

/// <summary>Where a process listens, by proc(5).</summary>
internal static class Listeners
{
    private const string Listening = "0A";

    private static readonly string[] Tables = ["tcp", "tcp6"];

    /// <summary>Addresses with their ports.</summary>
    /// <param name="process">Its id.</param>
    public static string[] Of(int process)
    {
        var sockets = Directory
            .GetFiles($"/proc/{process}/fd")
            .Select(file => new FileInfo(file).LinkTarget)
            .OfType<string>()
            .ToHashSet();
        return
        [
            .. from table in Tables
            from line in File.ReadLines($"/proc/{process}/net/{table}").Skip(1)
            let columns = line.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            where columns[3] == Listening && sockets.Contains($"socket:[{columns[9]}]")
            select Read(columns[1]),
        ];
    }

    // "0100007F:1F90": the address in the machine's order of bytes, each four of them, and the port.
    private static string Read(string text)
    {
        var (address, port) = (text.Split(':')[0], text.Split(':')[1]);
        var bytes = Convert
            .FromHexString(address)
            .Chunk(4)
            .SelectMany(word => BitConverter.IsLittleEndian ? word.Reverse() : word)
            .ToArray();
        return new IPEndPoint(
            new IPAddress(bytes),
            int.Parse(port, NumberStyles.HexNumber, CultureInfo.InvariantCulture)
        ).ToString();
    }
}
