using System.Diagnostics;
using Xunit;

namespace NativeMm.Tests.Support;

/// <summary>Runs a named scenario of NativeMm.Tests.Child in a fresh process.</summary>
public static class ChildProcess
{
    /// <summary>How long a scenario may take unless told otherwise. What hangs is found later by that; what takes three seconds alone takes a minute beside fifty others.</summary>
    public static readonly TimeSpan DefaultTimeout = TimeSpan.FromSeconds(240);

    /// <summary>Runs a scenario to its end. A child that takes too long is killed and fails the test.</summary>
    /// <param name="scenario">Its name in the child's table.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="environment">Variables on top of this process's own.</param>
    /// <param name="timeout">Null for <see cref="DefaultTimeout"/>.</param>
    public static ChildResult Run(
        string scenario,
        IEnumerable<string>? arguments = null,
        IEnumerable<KeyValuePair<string, string>>? environment = null,
        TimeSpan? timeout = null)
    {
        using Process process = Process.Start(Describe(scenario, arguments ?? [], environment ?? []))
            ?? throw new InvalidOperationException("The child process did not start.");
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(timeout ?? DefaultTimeout))
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit();
            Assert.Fail($"The child '{scenario}' did not end in time. Its output: {output.Result}{error.Result}");
        }

        return new ChildResult(process.ExitCode, output.Result, error.Result);
    }

    private static ProcessStartInfo Describe(
        string scenario, IEnumerable<string> arguments, IEnumerable<KeyValuePair<string, string>> environment)
    {
        string[] command = Command();
        var start = new ProcessStartInfo(command[0])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (string argument in (string[])[.. command[1..], scenario, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        // A crash is the point of some scenarios; nobody reads the dump.
        start.Environment["DOTNET_DbgEnableMiniDump"] = "0";
        foreach ((string name, string value) in environment)
        {
            start.Environment[name] = value;
        }

        return start;
    }

    /// <summary>How the child program is started: by the same host, or as the one who started the tests says, when they run under an emulator.</summary>
    private static string[] Command() => Environment.GetEnvironmentVariable("TESTS_CHILD_COMMAND") is { Length: > 0 } command
        ? command.Split(' ')
        : [DotNetHost(), "exec", Path.Combine(AppContext.BaseDirectory, "NativeMm.Tests.Child.dll")];

    private static string DotNetHost()
    {
        string? host = Environment.GetEnvironmentVariable("DOTNET_HOST_PATH");
        if (!string.IsNullOrEmpty(host))
        {
            return host;
        }

        string? own = Environment.ProcessPath;
        return Path.GetFileNameWithoutExtension(own) == "dotnet" ? own! : "dotnet";
    }
}
