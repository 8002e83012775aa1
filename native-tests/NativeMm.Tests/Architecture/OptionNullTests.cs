using System.Reflection;
using NativeMm.Runtime;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>An option that must not be null says so by its name, whichever type has it.</summary>
public sealed class OptionNullTests
{
    private static readonly NullabilityInfoContext s_nullability = new();

    public static TheoryData<string, string> Options
    {
        get
        {
            var rows = new TheoryData<string, string>();
            foreach ((string type, string name) in OptionsThatMustBeThere())
            {
                rows.Add(type, name);
            }

            return rows;
        }
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void Null_is_refused_by_the_name_of_the_option(string type, string name)
    {
        Type options = typeof(MemoryRuntimeOptions).Assembly.GetType(type, throwOnError: true)!;
        object instance = Activator.CreateInstance(options)!;
        options.GetProperty(name)!.SetValue(instance, null);
        TargetInvocationException thrown = Assert.Throws<TargetInvocationException>(() => options.GetMethod("Validate", Type.EmptyTypes)!.Invoke(instance, null));
        Assert.Equal(name, Assert.IsType<ArgumentNullException>(thrown.InnerException).ParamName);
    }

    [Fact]
    public void The_groups_of_a_runtime_are_among_them() => Assert.Superset(
        new HashSet<string> { "Reporting", "Vmap", "Teardown", "Checked", "Sampled", "Purge", "Pool", "Name" },
        OptionsThatMustBeThere().Select(row => row.Name).ToHashSet(StringComparer.Ordinal));

    [Fact]
    public void Whoever_takes_options_says_the_same()
    {
        MemoryRuntimeOptions[] wrong = [new() { Reporting = null! }, new() { Vmap = null! }, new() { Teardown = null! }, new() { Checked = null! }, new() { Sampled = null! }];
        string[] names = [nameof(MemoryRuntimeOptions.Reporting), nameof(MemoryRuntimeOptions.Vmap), nameof(MemoryRuntimeOptions.Teardown), nameof(MemoryRuntimeOptions.Checked), nameof(MemoryRuntimeOptions.Sampled)];
        foreach ((MemoryRuntimeOptions options, string name) in wrong.Zip(names))
        {
            Assert.Equal(name, Assert.Throws<ArgumentNullException>(() => MemoryRuntime.ConfigureShared(options)).ParamName);
            Assert.Equal(name, Assert.Throws<ArgumentNullException>(() => { new MemoryRuntime(options).Dispose(); }).ParamName);
        }

        Assert.Equal("name", Assert.Throws<ArgumentNullException>(() => { MemoryRuntime.Shared.CreateHeap(null!); }).ParamName);
    }

    private static IEnumerable<(string Type, string Name)> OptionsThatMustBeThere() =>
        from type in typeof(MemoryRuntimeOptions).Assembly.GetExportedTypes()
        where type.GetMethod("Validate", Type.EmptyTypes) is { DeclaringType: { } declaring } && declaring == type && type.GetMethod("<Clone>$") is not null
        from option in type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        where option.CanWrite && !option.PropertyType.IsValueType && s_nullability.Create(option).WriteState == NullabilityState.NotNull
        select (type.FullName!, option.Name);
}
