using NativeMm.Lab.Experiments;
using NativeMm.Lab.Harness;
using NativeMm.Lab.Reporting;

namespace NativeMm.Lab.Commands;

/// <summary>The files that a command was asked to write.</summary>
/// <param name="json">Path for the rows, or null.</param>
/// <param name="report">Path for the page, or null.</param>
/// <param name="pictures">Folder for the curves, or null.</param>
internal sealed class ReportFiles(string? json, string? report, string? pictures = null)
{
    /// <summary>Finds out before the measurement whether the files can be written, so that nothing is measured in vain.</summary>
    /// <exception cref="LabUsageException">A file cannot be written.</exception>
    public void CheckWritable()
    {
        try
        {
            _ = pictures is null ? null : Directory.CreateDirectory(pictures);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new LabUsageException($"Cannot write into {pictures}: {exception.Message}");
        }

        foreach (string path in new[] { json, report }.OfType<string>())
        {
            try
            {
                using FileStream probe = File.Open(path, FileMode.OpenOrCreate, FileAccess.Write);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw new LabUsageException($"Cannot write {path}: {exception.Message}");
            }
        }
    }

    /// <summary>Writes them and says where they are.</summary>
    public void Write(RunOutcome outcome, IReadOnlyList<BarVerdict> verdicts)
    {
        MachineInfo machine = MachineInfo.Read();
        if (json is not null)
        {
            File.WriteAllText(json, ResultFile.Format(machine, outcome.Rows, outcome.Conditions));
            Console.Out.WriteLine($"Results: {json}");
        }

        if (report is not null)
        {
            File.WriteAllText(report, HtmlReport.Format(machine, outcome, verdicts));
            Console.Out.WriteLine($"Report: {report}");
        }

        if (pictures is not null)
        {
            foreach ((string name, string svg) in CurvePictures.Of(outcome.Rows))
            {
                string path = Path.Combine(pictures, name);
                File.WriteAllText(path, svg);
                Console.Out.WriteLine($"Picture: {path}");
            }
        }
    }
}
