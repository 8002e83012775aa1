using System.Diagnostics;
using System.Reflection;
using NativeMm.Lab.Experiments;

namespace NativeMm.Lab.Harness;

/// <summary>Measures one case in a fresh process of the lab itself.</summary>
internal static class ChildProcess
{
    /// <summary>The hidden command that a child is started with.</summary>
    public const string Command = "child";

    // A peer's library or mode must come from its variant, never from the shell that the lab was started in.
    private const string PreloadVariable = "LD_PRELOAD";
    private const string OwnVariables = "NATIVEMM_";

    // Tiered compilation stays on and ends in the same code; only the waiting time before calls are counted is taken out, so that a short
    // launch measures finished code. Whoever sets the variable himself keeps his value.
    private const string CallCountingDelay = "DOTNET_TC_CallCountingDelayMs";

    // What the system makes of a process that an interrupt from the terminal ended: 128 and the number of the signal.
    private const int InterruptedCode = 128 + 2;

    /// <summary>Starts a child, waits for it, and gives what it found; a child that dies or hangs is a failed measurement.</summary>
    public static Measurement Launch(MeasurementRequest request, IReadOnlyDictionary<string, string> environment)
    {
        ProcessStartInfo start = StartInfo();
        start.ArgumentList.Add(Command);
        start.ArgumentList.Add(request.ToJson());
        SetEnvironment(start.Environment, environment);
        ProcessOutput output = ProcessOutput.Of(start, ExperimentRegistry.Get(request.Case.Experiment).Patience + TimeSpan.FromSeconds(request.Seconds));
        if (output.TimedOut)
        {
            return Measurement.Failed("the child process did not answer in time and was stopped");
        }

        string? answer = output.Out.Split('\n').LastOrDefault(l => l.StartsWith('{'));
        return answer is not null ? Measurement.FromJson(answer)
            : output.ExitCode == InterruptedCode ? Measurement.Interrupted() : Measurement.Failed(Describe(output));
    }

    /// <summary>Makes the environment of a child out of the lab's own.</summary>
    internal static void SetEnvironment(IDictionary<string, string?> child, IReadOnlyDictionary<string, string> ofVariant)
    {
        child.Remove(PreloadVariable);
        foreach (string variable in child.Keys.Where(name => name.StartsWith(OwnVariables, StringComparison.Ordinal)).ToArray())
        {
            child.Remove(variable);
        }

        child.TryAdd(CallCountingDelay, "0");
        foreach ((string variable, string value) in ofVariant)
        {
            child[variable] = value;
        }
    }

    private static string Describe(ProcessOutput output)
    {
        string complaint = output.Error.Split('\n').FirstOrDefault(l => l.Trim().Length > 0) ?? "it said nothing";
        return $"the child process ended with code {output.ExitCode}: {complaint.Trim()}";
    }

    private static ProcessStartInfo StartInfo()
    {
        string assembly = Assembly.GetExecutingAssembly().Location;
        string executable = Path.ChangeExtension(assembly, OperatingSystem.IsWindows() ? ".exe" : null);
        if (File.Exists(executable) && Environment.ProcessPath == executable)
        {
            return new ProcessStartInfo(executable);
        }

        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet");
        start.ArgumentList.Add("exec");
        start.ArgumentList.Add(assembly);
        return start;
    }
}
