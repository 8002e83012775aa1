using System.Globalization;
using System.Reflection;
using NativeMm.Heap.Checked;
using NativeMm.Heap.Sampled;
using NativeMm.Reporting;
using NativeMm.Teardown;
using NativeMm.Vmap;
using NativeMm.Zsmalloc;

namespace NativeMm.Tests.Architecture;

/// <summary>
/// A table of options in a document, held against the type that has them: the names, the defaults of a new instance, and the ranges as
/// <c>Validate</c> enforces them.
/// </summary>
public static class OptionTable
{
    private static readonly string[] s_columns = ["name", "unit", "default", "range", "effect"];

    /// <summary>The rows of the table below the heading that names a type.</summary>
    /// <param name="document">The text of the document.</param>
    /// <param name="type">Name of the type of the options.</param>
    public static IReadOnlyList<OptionTableRow> Read(string document, string type)
    {
        string[][] table = ReadTable(document, $"## `{type}`");
        return table.Length > 0 && table[0].SequenceEqual(s_columns)
            ? [.. table.Skip(1).Select(cells => new OptionTableRow(cells[0].Trim('`'), cells[1], cells[2], cells[3], cells[4]))]
            : [];
    }

    /// <summary>The cells of the first table below a heading, the line under the column names left out.</summary>
    public static string[][] ReadTable(string document, string heading)
    {
        IEnumerable<string> lines = document.ReplaceLineEndings("\n").Split('\n')
            .SkipWhile(line => line != heading)
            .Skip(1)
            .TakeWhile(line => !line.StartsWith("## ", StringComparison.Ordinal))
            .SkipWhile(line => !line.StartsWith('|'))
            .TakeWhile(line => line.StartsWith('|'))
            .Where(line => !line.StartsWith("|---", StringComparison.Ordinal));
        return [.. lines.Select(line => line.Trim('|').Split('|').Select(cell => cell.Trim()).ToArray())];
    }

    /// <summary>What is wrong with the rows, as sentences.</summary>
    /// <typeparam name="T">The type of the options; has a method <c>Validate</c>.</typeparam>
    public static IEnumerable<string> Complaints<T>(IReadOnlyList<OptionTableRow> rows)
        where T : new()
    {
        PropertyInfo[] options = [.. typeof(T).GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(option => option.CanWrite)];
        IEnumerable<string> missing = options.Where(option => rows.Count(row => row.Name == option.Name) != 1)
            .Select(option => $"{option.Name} has no row, or more than one");
        IEnumerable<string> unknown = rows.Where(row => options.All(option => option.Name != row.Name)).Select(row => $"{row.Name} is no option");
        IEnumerable<string> wrong =
            from row in rows
            join option in options on row.Name equals option.Name
            from complaint in RowComplaints<T>(row, option)
            select $"{row.Name}: {complaint}";
        return missing.Concat(unknown).Concat(wrong);
    }

    private static IEnumerable<string> RowComplaints<T>(OptionTableRow row, PropertyInfo option)
        where T : new()
    {
        string actual = DefaultText(option.GetValue(new T()), row.Default);
        if (row.Default != actual)
        {
            yield return $"the default is {actual}, not {row.Default}";
        }

        foreach (string complaint in OptionTableRange.Complaints<T>(option, row.Range))
        {
            yield return complaint;
        }

        if (row.Effect.Length == 0)
        {
            yield return "the effect is not said";
        }
    }

    // A number may be written with any unit: what is written is read, and if it is the same number, that is the text.
    private static string DefaultText(object? value, string written) => value switch
    {
        null => "none",
        bool flag => flag ? "true" : "false",
        Enum name => $"`{name}`",
        CheckedOptions { Enabled: false } => "off",
        SampledOptions { Enabled: false } => "off",
        PageReporterOptions options => options == new PageReporterOptions() ? "defaults" : "others",
        VmapOptions options => options == new VmapOptions() ? "defaults" : "others",
        ZsPoolOptions options => options == new ZsPoolOptions() ? "defaults" : "others",
        TeardownOptions options => options == new TeardownOptions() ? "defaults" : "others",
        TimeProvider clock => ReferenceEquals(clock, TimeProvider.System) ? "the system's" : "another",
        LazyPurgePolicy policy when policy == new LazyPurgePolicy() => "as below",
        _ => OptionTableRange.TryParse(written, out decimal number) && number == OptionTableRange.ToNumber(value)
            ? written
            : string.Create(CultureInfo.InvariantCulture, $"{value}"),
    };
}
