using System.CommandLine;

namespace NativeMm.Lab.Commands;

/// <summary>What can be typed.</summary>
internal static class LabCommandLine
{
    /// <summary>Parses, runs, and gives the exit code.</summary>
    public static int Run(string[] arguments) => Run(arguments, Console.Error);

    /// <summary>Parses, runs, and gives the exit code.</summary>
    /// <param name="arguments">What was typed.</param>
    /// <param name="complaints">Where the one line about a mistake goes.</param>
    internal static int Run(string[] arguments, TextWriter complaints)
    {
        var root = new RootCommand("NativeMm's lab: measures NativeMm and its peers. Without a command: a quick tour of everything.")
        {
            ListCommand.Create(),
            RunCommand.Create(),
            CheckCommand.Create(),
            CompareCommand.Create(),
            RecordCommand.Create(),
            LocalityCommand.Create(),
        };
        root.SetAction(_ => TourCommand.Run());
        ParseResult parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            return Complain(complaints, parsed.Errors[0].Message);
        }

        try
        {
            return parsed.Invoke(new InvocationConfiguration { EnableDefaultExceptionHandler = false });
        }
        catch (LabUsageException exception)
        {
            return Complain(complaints, exception.Message);
        }
        catch (Exception exception) when (exception is InvalidDataException or IOException or UnauthorizedAccessException)
        {
            return Complain(complaints, exception.Message);
        }
    }

    private static int Complain(TextWriter complaints, string message)
    {
        complaints.WriteLine(message.ReplaceLineEndings(" ").Trim());
        return ExitCode.Usage;
    }
}
