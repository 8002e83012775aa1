using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;

namespace NativeMm.Tests.Architecture;

/// <summary>
/// The range of an option as a document writes it, tried out: the values at its ends are accepted, those just outside are refused with the
/// name of the option.
/// </summary>
public static partial class OptionTableRange
{
    private static readonly Dictionary<string, decimal> s_units = new(StringComparer.Ordinal)
    {
        [""] = 1,
        ["KiB"] = 1 << 10,
        ["MiB"] = 1 << 20,
        ["GiB"] = 1 << 30,
        ["TiB"] = 1L << 40,
        ["tick"] = 1,
        ["ms"] = TimeSpan.TicksPerMillisecond,
        ["s"] = TimeSpan.TicksPerSecond,
        ["h"] = TimeSpan.TicksPerHour,
    };

    /// <summary>What does not agree with the code, as sentences.</summary>
    public static IEnumerable<string> Complaints<T>(PropertyInfo option, string range)
        where T : new()
    {
        Type type = TypeOf(option);
        if (type == typeof(bool))
        {
            return range == "true, false" ? [] : [$"the range is true, false, not {range}"];
        }

        if (type.IsEnum)
        {
            string actual = string.Join(", ", Enum.GetNames(type).Select(name => $"`{name}`"));
            return range == actual ? EnumComplaints<T>(option) : [$"the range is {actual}, not {range}"];
        }

        if (type.IsAssignableTo(typeof(Delegate)))
        {
            return range == "a delegate" ? [] : [$"the range is a delegate, not {range}"];
        }

        if (type == typeof(string))
        {
            return range == "any text" ? [] : [$"the range is any text, not {range}"];
        }

        return type.IsClass || type.IsInterface ? (range == "see below" ? [] : [$"the range is in a table of its own, not {range}"]) : NumberComplaints<T>(option, range);
    }

    /// <summary>Reads a number with a unit, in units of one byte or one tick.</summary>
    public static bool TryParse(string text, out decimal number)
    {
        Match match = Number().Match(text);
        number = 0;
        if (!match.Success || !s_units.TryGetValue(match.Groups["unit"].Value, out decimal unit))
        {
            return false;
        }

        number = decimal.Parse(match.Groups["number"].Value, NumberStyles.AllowThousands, CultureInfo.InvariantCulture) * unit;
        return true;
    }

    /// <summary>The value of an option as a number of bytes or ticks.</summary>
    public static decimal ToNumber(object value) =>
        value is TimeSpan time ? time.Ticks : Convert.ToDecimal(value, CultureInfo.InvariantCulture);

    private static IEnumerable<string> EnumComplaints<T>(PropertyInfo option)
        where T : new() =>
        Refuses<T>(option, Enum.ToObject(option.PropertyType, 999)) ? [] : ["a value that has no name is accepted"];

    private static IEnumerable<string> NumberComplaints<T>(PropertyInfo option, string range)
        where T : new()
    {
        if (range.Contains(", ", StringComparison.Ordinal))
        {
            return ListComplaints<T>(option, range.Split(", "));
        }

        Match match = Range().Match(range);
        if (!match.Success || !TryParse(match.Groups["least"].Value, out decimal least))
        {
            return [$"the range cannot be read: {range}"];
        }

        var accepted = new List<decimal> { least, least + 1 };
        var refused = new List<decimal> { least - 1 };
        if (match.Groups["most"].Success && TryParse(match.Groups["most"].Value, out decimal most))
        {
            accepted.Add(most);
            refused.Add(most + 1);
        }
        else
        {
            accepted.Add(LargestOf(TypeOf(option)));
        }

        if (match.Groups["zero"].Success)
        {
            accepted.Add(0);
            refused.Add(1);
        }
        else if (least > 0)
        {
            refused.Add(0);
        }

        return Complaints<T>(option, accepted, refused);
    }

    /// <summary>Single values, and none between or beside them.</summary>
    private static IEnumerable<string> ListComplaints<T>(PropertyInfo option, string[] values)
        where T : new()
    {
        decimal[] accepted = [.. values.Select(value => TryParse(value, out decimal number) ? number : -1)];
        return accepted.Contains(-1)
            ? [$"the range cannot be read: {string.Join(", ", values)}"]
            : Complaints<T>(option, accepted, accepted.SelectMany(value => (decimal[])[value - 1, value + 1]).Except(accepted));
    }

    private static IEnumerable<string> Complaints<T>(PropertyInfo option, IEnumerable<decimal> accepted, IEnumerable<decimal> refused)
        where T : new()
    {
        IEnumerable<string> tooNarrow = accepted.Where(value => Refuses<T>(option, FromNumber(TypeOf(option), value)))
            .Select(value => $"{value} is in the range as written and is refused");
        IEnumerable<string> tooWide = refused.Where(value => Fits(TypeOf(option), value) && !Refuses<T>(option, FromNumber(TypeOf(option), value)))
            .Select(value => $"{value} is outside of the range as written and is accepted");
        return tooNarrow.Concat(tooWide);
    }

    private static bool Refuses<T>(PropertyInfo option, object value)
        where T : new()
    {
        var options = new T();
        option.SetValue(options, value);
        try
        {
            typeof(T).GetMethod("Validate", Type.EmptyTypes)!.Invoke(options, null);
            return false;
        }
        catch (TargetInvocationException exception) when (exception.InnerException is ArgumentOutOfRangeException refusal)
        {
            return refusal.ParamName == option.Name;
        }
    }

    private static Type TypeOf(PropertyInfo option) => Nullable.GetUnderlyingType(option.PropertyType) ?? option.PropertyType;

    private static bool Fits(Type type, decimal value) => value <= LargestOf(type) && (value >= 0 || (type != typeof(ulong) && type != typeof(uint)));

    private static decimal LargestOf(Type type) =>
        type == typeof(TimeSpan) ? TimeSpan.MaxValue.Ticks : type == typeof(double) ? decimal.MaxValue : Convert.ToDecimal(type.GetField("MaxValue")!.GetValue(null), CultureInfo.InvariantCulture);

    private static object FromNumber(Type type, decimal value) =>
        type == typeof(TimeSpan) ? TimeSpan.FromTicks((long)value) : Convert.ChangeType(value, type, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^(?<number>[0-9][0-9,]*)(?: (?<unit>[A-Za-z]+))?$")]
    private static partial Regex Number();

    [GeneratedRegex("^(?<zero>0 or )?(?<least>[0-9][0-9,]*(?: [A-Za-z]+)??)(?: to (?<most>.+)| and more)$")]
    private static partial Regex Range();
}
