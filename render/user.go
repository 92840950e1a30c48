package render

import "lom/machine"

// UserSummary prints how many users there are, as user summary.
var UserSummary = View[machine.UserSummary]{
	Text: func(p *Printer, v machine.UserSummary) {
		p.Printf("Maximum IDs\t    : %d\nEnabled User Count  : %d\nFixed Name Count    : %d\n",
			v.Max, v.Enabled, v.Fixed)
	},
	Plain: func(p *Printer, v machine.UserSummary) { p.Printf("%d,%d,%d\n", v.Max, v.Enabled, v.Fixed) },
}

// userColumns are those of a table of users.
var userColumns = []string{"id", "name", "enabled", "callin", "link_auth", "ipmi_messaging", "privilege_limit"}

// Users prints users a line each, as user list.
var Users = View[[]machine.User]{
	Text: func(p *Printer, list []machine.User) {
		p.Printf("ID  Name\t     Callin  Link Auth\tIPMI Msg   Channel Priv Limit\n")
		for _, u := range list {
			p.Printf("%-4d%-17s%-8t%-11t%-11t%s\n", u.ID, u.Name, u.CallIn, u.Link, u.Messaging,
				privilegeText(u.Access.Limit))
		}
	},
	Plain: func(p *Printer, list []machine.User) {
		for _, u := range list {
			p.Printf("%d,%s,%t,%t,%t,%s\n", u.ID, u.Name, u.CallIn, u.Link, u.Messaging,
				privilegeText(u.Access.Limit))
		}
	},
	Columns: userColumns,
}

// UserAccess prints what users may do on a channel, as channel getaccess.
var UserAccess = View[[]machine.User]{
	Text: func(p *Printer, list []machine.User) {
		line := func(key string, value any) { p.Printf("%-21s: %v\n", key, value) }
		for i, u := range list {
			if i == 0 {
				line("Maximum User IDs", u.Access.MaxUsers)
				line("Enabled User IDs", u.Access.EnabledUsers)
			}
			p.Println()
			line("User ID", u.ID)
			line("User Name", u.Name)
			line("Fixed Name", choose(u.FixedName, "Yes", "No"))
			line("Access Available", choose(u.CallIn, "call-in / callback", "callback"))
			line("Link Authentication", enabled(u.Link))
			line("IPMI Messaging", enabled(u.Messaging))
			line("Privilege Level", privilegeText(u.Access.Limit))
			line("Enable Status", u.Access.Enabled)
		}
	},
	Columns: userColumns,
}

// PasswordTest prints whether a password is right, as user test.
var PasswordTest = View[machine.PasswordTest]{Text: func(p *Printer, v machine.PasswordTest) {
	switch {
	case v.Right:
		p.Println("Success")
	case v.Result == "wrong-size":
		p.Println("Failure: wrong password size")
	default:
		p.Println("Failure: password incorrect")
	}
}}
