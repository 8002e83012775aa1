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
                bool isNew = !File.Exists(path);
                File.Open(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
                if (isNew)
                {
                    // A run that ends early leaves no empty file that looks like results.
                    File.Delete(path);
                }
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException)
            {
                throw new LabUsageException($"Cannot write {path}: {exception.Message}");
            }
        }
    }

    /// <summary>Writes them and says where they are. One that cannot be written is complained of, and the others are written all the same.</summary>
    /// <param name="outcome">What was measured.</param>
    /// <param name="verdicts">What became of the bars.</param>
    /// <param name="complaints">Where the lines about files that cannot be written go; null means standard error.</param>
    /// <returns>Whether all of them are there.</returns>
    public bool Write(RunOutcome outcome, IReadOnlyList<BarVerdict> verdicts, TextWriter? complaints = null)
    {
        MachineInfo machine = MachineInfo.Read();
        bool areWritten = json is null || Write("Results", json, ResultFile.Format(machine, outcome.Rows, outcome.Conditions), complaints);
        areWritten &= report is null || Write("Report", report, HtmlReport.Format(machine, outcome, verdicts), complaints);
        if (pictures is not null)
        {
            foreach ((string name, string svg) in CurvePictures.Of(outcome.Rows))
            {
                areWritten &= Write("Picture", Path.Combine(pictures, name), svg, complaints);
            }
        }

        return areWritten;
    }

    private static bool Write(string what, string path, string text, TextWriter? complaints)
    {
        try
        {
            WholeFile.WriteText(path, text);
            Console.Out.WriteLine($"{what}: {path}");
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            (complaints ?? Console.Error).WriteLine($"Cannot write {path}: {exception.Message}");
            return false;
        }
    }
}
