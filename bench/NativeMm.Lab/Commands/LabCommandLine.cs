using System.CommandLine;

namespace NativeMm.Lab.Commands;

/// <summary>What can be typed.</summary>
internal static class LabCommandLine
{
    /// <summary>Parses, runs, and gives the exit code.</summary>
    public static int Run(string[] arguments)
    {
        var root = new RootCommand("NativeMm's lab: measures NativeMm and its peers. Without a command: a quick tour of everything.")
        {
            ListCommand.Create(),
            RunCommand.Create(),
            CheckCommand.Create(),
            CompareCommand.Create(),
        };
        root.SetAction(_ => TourCommand.Run());
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            return Complain(parsed.Errors[0].Message);
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (LabUsageException exception)
        {
            return Complain(exception.Message);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return Complain(exception.Message);
        }
    }

    private static int Complain(string message)
    {
        Console.Error.WriteLine(message.ReplaceLineEndings(" ").Trim());
        return ExitCode.Usage;
    }
}
