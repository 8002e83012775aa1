using System.Diagnostics;
using System.Reflection;
using System.Xml.Linq;
using NativeMm.Heap;
using NativeMm.Tests.Support;
using Xunit;

namespace NativeMm.Tests.Architecture;

/// <summary>What a package says of itself to whoever takes it.</summary>
public sealed class PackageTests : IDisposable
{
    private const BindingFlags Own = BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;
    private const int ReleaseNotesMax = 1000;
    private static readonly TimeSpan s_patience = TimeSpan.FromMinutes(9);

    private readonly string _folder = Directory.CreateTempSubdirectory("nativemm-package-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Documents_are_those_of_all_public_members_and_of_no_other()
    {
        Assembly packed = typeof(NativeHeap).Assembly;
        string documents = Path.ChangeExtension(packed.Location, ".xml");
        string output = Path.Combine(_folder, "public.xml");

        Dotnet("run", "--file", Path.Combine(RepositoryRoot.Path, "src", "PublicDocuments.cs"), "--", packed.Location, documents, output);

        string[] all = Names(documents);
        string[] kept = Names(output);
        Type[] types = packed.GetExportedTypes();
        Assert.Equal(types.Select(type => $"T:{NameOf(type)}").Order(StringComparer.Ordinal), kept.Where(name => name[0] == 'T').Order(StringComparer.Ordinal));

        // Overloads are told apart by their parameters, which is what the program works out; here it is enough how many have a name.
        string[] visible = [.. types.SelectMany(type => type.GetMembers(Own).Where(IsVisible).Select(member => NameOf(type, member)))];
        Assert.All(kept.Where(name => name[0] != 'T').Select(WithoutParameters).GroupBy(name => name), group =>
            Assert.InRange(group.Count(), 1, visible.Count(name => name == group.Key)));
        Assert.All(visible.Distinct(), name => Assert.True(
            kept.Count(one => WithoutParameters(one) == name) == Math.Min(visible.Count(one => one == name), all.Count(one => WithoutParameters(one) == name)),
            $"{name}: of {all.Count(one => WithoutParameters(one) == name)} documents {kept.Count(one => WithoutParameters(one) == name)} are kept, and {visible.Count(one => one == name)} members are public."));
        Assert.Equal(kept.Length, kept.Intersect(all).Count());
    }

    [Theory]
    [InlineData("NativeMm")]
    [InlineData("NativeMm.Extensions")]
    public void Release_notes_are_a_few_lines_and_say_where_the_rest_is(string project)
    {
        string file = Path.Combine(RepositoryRoot.Path, "src", project, $"{project}.csproj");
        string notes = Dotnet("msbuild", file, "-getProperty:PackageReleaseNotes").Trim();
        Assert.InRange(notes.Length, 100, ReleaseNotesMax);
        Assert.DoesNotContain('#', notes);
        Assert.EndsWith("All changes: CHANGELOG.md in the package.", notes, StringComparison.Ordinal);
        Assert.Contains("CHANGELOG.md\" Pack=\"true\"", File.ReadAllText(file), StringComparison.Ordinal);
        Assert.Contains("PackageDocuments.targets", File.ReadAllText(file), StringComparison.Ordinal);
    }

    private static string[] Names(string documents) => [.. XDocument.Load(documents).Descendants("member").Select(member => member.Attribute("name")!.Value)];

    private static string NameOf(Type type) => type.FullName!.Replace('+', '.');

    private static string NameOf(Type type, MemberInfo member) => member switch
    {
        MethodBase method => $"M:{NameOf(type)}.{method.Name.Replace('.', '#')}{(method.IsGenericMethod ? $"``{method.GetGenericArguments().Length}" : string.Empty)}",
        PropertyInfo => $"P:{NameOf(type)}.{member.Name}",
        EventInfo => $"E:{NameOf(type)}.{member.Name}",
        _ => $"F:{NameOf(type)}.{member.Name}",
    };

    private static string WithoutParameters(string name) => name.Split('(')[0];

    private static bool IsVisible(MemberInfo member) => member switch
    {
        MethodBase method => method.IsPublic || method.IsFamily || method.IsFamilyOrAssembly,
        PropertyInfo property => property.GetAccessors(nonPublic: true).Any(IsVisible),
        EventInfo happened => IsVisible(happened.AddMethod!),
        FieldInfo field => field.IsPublic || field.IsFamily || field.IsFamilyOrAssembly,
        _ => false,
    };

    private static string Dotnet(params string[] arguments)
    {
        var start = new ProcessStartInfo(Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (string variable in start.Environment.Keys.Where(name => name.StartsWith("MSBUILD", StringComparison.OrdinalIgnoreCase)).ToArray())
        {
            start.Environment.Remove(variable);
        }

        start.Environment["MSBUILDDISABLENODEREUSE"] = "1";
        using Process process = Process.Start(start)!;
        Task<string> output = process.StandardOutput.ReadToEndAsync();
        Task<string> error = process.StandardError.ReadToEndAsync();
        Assert.True(process.WaitForExit(s_patience), $"dotnet {arguments[0]} does not end.");
        Assert.True(process.ExitCode == 0, $"dotnet {string.Join(' ', arguments)} ended with {process.ExitCode}: {output.Result}{error.Result}");
        return output.Result;
    }
}
