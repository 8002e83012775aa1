using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;

namespace NativeMm.Lab.Commands;

/// <summary>The hidden command: measures one case in this process and prints what it found as one line.</summary>
internal static class ChildCommand
{
    /// <summary>Measures.</summary>
    /// <param name="request">The text form of a <see cref="MeasurementRequest"/>.</param>
    public static int Run(string request)
    {
        Measurement found = Measure(request);
        Console.Out.WriteLine(found.ToJson());
        return found.Error is null ? ExitCode.Success : ExitCode.Failure;
    }

    private static Measurement Measure(string request)
    {
        try
        {
            MeasurementRequest asked = MeasurementRequest.FromJson(request);
            return ExperimentRegistry.Get(asked.Case.Experiment).Measure(asked);
        }
        catch (Exception exception)
        {
            // Whatever it is, the parent reports it with the name of the case and goes on with the others.
            return Measurement.Failed($"{exception.GetBaseException().GetType().Name}: {exception.GetBaseException().Message}");
        }
    }
}
