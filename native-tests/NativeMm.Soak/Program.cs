using NativeMm.Soak.Fuzzing;
using NativeMm.Soak.Running;

namespace NativeMm.Soak;

/// <summary>
/// Everything at once for as long as one likes, with a shadow of who owns which byte; and damaged input for what reads any. Exit code 0: nothing was found;
/// 1: something was; 2: the command line is not understood.
/// </summary>
internal static class Program
{
    public static int Main(string[] arguments)
    {
        try
        {
            return arguments switch
            {
                ["soak", ..] => new SoakRun(SoakOptions.Parse(arguments.AsSpan(1)), Console.Out).Run(),
                ["fuzz", ..] => new FuzzRun(FuzzOptions.Parse(arguments.AsSpan(1)), Console.Out).Run(),
                _ => throw new FormatException("The first word is soak or fuzz."),
            };
        }
        catch (FormatException problem)
        {
            Console.Error.WriteLine($"{problem.Message}\n{SoakOptions.Usage}");
            return 2;
        }
    }
}
