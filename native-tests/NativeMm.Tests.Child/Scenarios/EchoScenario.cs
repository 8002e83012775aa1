namespace NativeMm.Tests.Child.Scenarios;

/// <summary>Checks the runner itself: first argument to standard output, second to standard error, third is the exit code; "hang" never ends.</summary>
internal static class EchoScenario
{
    public static int Run(string[] arguments)
    {
        Console.Out.WriteLine(arguments[0]);
        Console.Error.WriteLine(arguments[1]);
        if (arguments[2] == "hang")
        {
            Thread.Sleep(Timeout.Infinite);
        }

        return int.Parse(arguments[2], System.Globalization.CultureInfo.InvariantCulture);
    }
}
